"""Values and their types: annotations read, values checked against them, and whether one type can flow into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.values.hints import bare_function, resolve_hints
from actorflow.values.secret import MASK, Secret, is_marked

if TYPE_CHECKING:
    from actorflow.values.checks import check, check_exact
    from actorflow.values.conversion import convert
    from actorflow.values.encodable import why_not_encodable
    from actorflow.values.flow import can_flow
    from actorflow.values.masks import Mask, holds_secrets, mask_of, masked
    from actorflow.values.mismatch import ValueMismatch, shown
    from actorflow.values.models import built, dumped, is_model, is_secret_class
    from actorflow.values.redaction import redacted
    from actorflow.values.types import fields_of, resolve_class_hints, type_text
else:
    __getattr__ = loads_later(
        __name__,
        checks="check check_exact",
        conversion="convert",
        encodable="why_not_encodable",
        flow="can_flow",
        masks="Mask holds_secrets mask_of masked",
        mismatch="ValueMismatch shown",
        models="built dumped is_model is_secret_class",
        redaction="redacted",
        types="fields_of resolve_class_hints type_text",
    )

__all__ = [
    "MASK",
    "Mask",
    "Secret",
    "ValueMismatch",
    "bare_function",
    "built",
    "can_flow",
    "check",
    "check_exact",
    "convert",
    "dumped",
    "fields_of",
    "holds_secrets",
    "is_marked",
    "is_model",
    "is_secret_class",
    "mask_of",
    "masked",
    "redacted",
    "resolve_class_hints",
    "resolve_hints",
    "shown",
    "type_text",
    "why_not_encodable",
]
