"""What every service uses and no service owns."""
