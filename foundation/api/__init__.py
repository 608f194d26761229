"""What all API addresses share: authentication, strict bodies, problem details, pages."""
