"""The screens: what a person sees and clicks, made of what the services' public APIs answer to that person."""
