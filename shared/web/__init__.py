"""What every service needs to speak HTTP: app factory, problems, tokens, conditional requests, paging, health, feed."""
