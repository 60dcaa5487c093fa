"""What the doors that speak JSON have in common: bodies, fields, errors, ETags, a plain view."""
