"""One file per kind of thing; each view a thin translation into a call of the heart."""
