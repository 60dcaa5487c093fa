"""What goes over the wire, and how it is spelled."""
