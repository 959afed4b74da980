"""Forms of strategies. What a program, a parent or a name may be, the domain decides; forms only read."""

import uuid
from typing import Any, TypeVar

import msgspec
from django import forms
from django.core.exceptions import ValidationError

from gameproject.lib.body import ExternalId, Line, Text
from strategies.admin.strategies.json_text import JsonFault, read_json, write_json
from strategies.importing import OnConflict
from strategies.models import Realm, Strategy
from strategies.models.strategies import StrategyType

Scalar = int | float | bool | str
T = TypeVar("T")


class OfType:
    """Validate as the API does, by the type that its body has there."""

    def __init__(self, type_: Any, message: str) -> None:
        self.type = type_
        self.message = message

    def __call__(self, value: str) -> None:
        try:
            msgspec.convert(value, self.type)
        except msgspec.ValidationError:
            raise ValidationError(self.message) from None


a_line = OfType(Line, "One line of at most 200 characters, without control characters.")
a_text = OfType(Text, "At most 10,000 characters.")
an_external_id = OfType(ExternalId, "At most 200 characters, without slashes and control characters.")


class JsonObjectField(forms.CharField):
    """A JSON object, empty for one without keys; shown again as it was typed."""

    def __init__(self, values: Any, **kwargs: Any) -> None:
        super().__init__(required=False, widget=code(4), **kwargs)
        self.values = values

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        try:
            return msgspec.convert(read_json(text), dict[str, self.values]) if text else {}  # type: ignore[name-defined]  # a type given at run time
        except JsonFault as fault:
            line, column = fault.position
            raise ValidationError(f"{fault.message} Line {line}, column {column}.") from None
        except msgspec.ValidationError as error:
            raise ValidationError(str(error)) from None

    def prepare_value(self, value: object) -> str:
        return value if isinstance(value, str) else write_json(value) if value else ""


def code(rows: int, **attributes: object) -> forms.Textarea:
    """Make a field for JSON: no help that changes what is typed."""
    plain = {"spellcheck": "false", "autocomplete": "off", "autocapitalize": "off", "wrap": "off"}
    return forms.Textarea(attrs={"rows": rows, "class": "code", **plain, **attributes})


def a_parent() -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"list": "parents"}),
        help_text="Slug of the strategy that this one extends.",
    )


class PlainForm(forms.Form):
    """A form whose faults the server names: a browser's own bubble would stand before the other button's work."""

    use_required_attribute = False


class StrategyForm(PlainForm):
    """What an author writes. Only what was changed is saved, so that nobody's other change is undone."""

    name = forms.CharField(max_length=200, validators=[a_line], show_hidden_initial=True)
    description = forms.CharField(
        required=False,
        strip=False,
        validators=[a_text],
        show_hidden_initial=True,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    parent = a_parent()
    program = forms.CharField(strip=False, widget=code(26))
    base = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, strategy: Strategy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if strategy.type == StrategyType.FULL:
            del self.fields["parent"]

    def changed(self, name: str) -> Any:
        """Return a field's value, None if it is as the form was opened."""
        return self.cleaned_data[name] if name in self.changed_data else None


class NewStrategyForm(PlainForm):
    name = forms.CharField(max_length=200, validators=[a_line])
    description = forms.CharField(
        required=False, strip=False, validators=[a_text], widget=forms.Textarea(attrs={"rows": 2})
    )
    realm = forms.ModelChoiceField(Realm.objects.order_by("slug"))
    type = forms.ChoiceField(choices=StrategyType)
    parent = a_parent()
    program = forms.CharField(strip=False, widget=code(26))
    # The id of the strategy to be: a form that is sent twice makes one.
    new_id = forms.UUIDField(widget=forms.HiddenInput)


class CloneForm(PlainForm):
    name = forms.CharField(max_length=200, validators=[a_line])
    realm = forms.ModelChoiceField(Realm.objects.order_by("slug"))
    new_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, strategy: Strategy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if strategy.realm_id is not None:
            del self.fields["realm"]


class ImportForm(PlainForm):
    realm = forms.ModelChoiceField(Realm.objects.order_by("slug"))
    file = forms.FileField(required=False, help_text="An export of this service or of the GAME engine.")
    document = forms.CharField(
        required=False, strip=False, widget=code(14), help_text="Or the document itself, pasted."
    )
    on_conflict = forms.ChoiceField(
        label="If the slug is taken",
        choices=[
            (OnConflict.RENAME.value, "take the next free slug"),
            (OnConflict.REFUSE.value, "do not import"),
            (OnConflict.EDIT.value, "make it the draft of the strategy that is there"),
        ],
    )
    parent = a_parent()
    new_id = forms.UUIDField(widget=forms.HiddenInput)


class ScenarioForm(PlainForm):
    realm = forms.ModelChoiceField(Realm.objects.order_by("slug"))
    game = forms.CharField(
        max_length=200, validators=[an_external_id], widget=forms.TextInput(attrs={"list": "games"})
    )
    task = forms.CharField(
        max_length=200, validators=[an_external_id], widget=forms.TextInput(attrs={"list": "tasks"})
    )
    player = forms.CharField(
        max_length=200, validators=[an_external_id], help_text="A player who never scored is a newcomer."
    )
    event = JsonObjectField(object, label="Event data (JSON)")
    mock_state = JsonObjectField(
        Scalar | None, label="Facts (JSON)", help_text="In place of the player's real figures."
    )
    variables = JsonObjectField(Scalar, label="Variables (JSON)")
    occurred_at = forms.DateTimeField(
        required=False,
        label="Occurred at (UTC)",
        help_text="Now, if empty.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"),
    )
    score = forms.CharField(
        required=False, label="Score id", help_text="Fill in what a real score was computed from."
    )

    def __init__(self, *args: Any, strategy: Strategy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if strategy.realm_id is not None:
            del self.fields["realm"]


def new_id() -> uuid.UUID:
    return uuid.uuid4()
