"""The row of the thinnest view: what a call would be without being a call."""

from django.db import models


class Row(models.Model):
    contact = models.CharField(max_length=16)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.contact
