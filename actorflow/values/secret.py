"""The mark of values that nobody is to read in passing: `card: Annotated[str, Secret]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

MASK: Final = "***"
"""What is shown of a secret."""


class Secret:
    """Marks a field, a parameter or a result as secret: `Annotated[str, Secret]`.

    Steps get such values as they are, and stores keep them whole (sealed, if the codec has a seal). In events, logs, `inspect`, on the
    command line and in the texts of our errors `***` stands for them. It goes by the annotation: a value that another step hands on under an
    unmarked one is shown. Marked may be parameters and results of steps and workflows, and fields of structs, dataclasses, attrs classes,
    named tuples, typed dicts and pydantic models, inside of containers and unions too. `SecretStr` and `SecretBytes` of pydantic are secret
    without it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret)

    def __hash__(self) -> int:
        return hash(Secret)


def is_marked(metadata: Iterable[Any]) -> bool:
    """Whether an annotation's metadata has the mark, as the class or as an instance."""
    return any(one is Secret or isinstance(one, Secret) for one in metadata)
