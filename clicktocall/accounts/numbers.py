"""The numbers an account may show or bridge with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from clicktocall.exceptions import InUse
from clicktocall.models import OwnedNumber
from clicktocall.providers import provider_aliases


def save_number(owned: OwnedNumber, changes: Mapping[str, Any] | None = None) -> OwnedNumber:
    """Judge the number with `changes` (field name to value) and write it, new or not.

    Raises:
        ValidationError: a dictionary of field name to messages; nothing was written.
    """
    for name, value in (changes or {}).items():
        setattr(owned, name, value)
    owned.clean()  # first: the international form is shorter than what may have been written
    owned.clean_fields(exclude=("account",))
    check_aliases(owned)
    same = OwnedNumber.objects.filter(account_id=owned.account_id, number=owned.number)
    if same.exclude(pk=owned.pk).exists():
        raise _taken()
    try:
        with transaction.atomic(using=router.db_for_write(OwnedNumber)):
            owned.save(force_insert=owned._state.adding)
    except IntegrityError as error:  # somebody else was quicker
        raise _taken() from error
    return owned


def _taken() -> ValidationError:
    return ValidationError({"number": [_("The account has this number already.")]})


def check_aliases(owned: OwnedNumber) -> None:
    """Refuse providers that the account may not use.

    Raises:
        ValidationError: `provider_aliases` and why.
    """
    allowed = provider_aliases(owned.account_id)
    unknown = [alias for alias in owned.provider_aliases if alias not in allowed]
    if unknown:
        message = _("“%(alias)s” is not a provider of this account.") % {"alias": unknown[0]}
        raise ValidationError({"provider_aliases": [message]})


def delete_number(owned: OwnedNumber) -> None:
    """Remove a number that no endpoint uses.

    Raises:
        InUse: an endpoint shows it or bridges with it.
    """
    try:
        owned.delete()
    except ProtectedError as error:
        raise InUse(_("An endpoint uses this number. Change the endpoint first.")) from error
