"""Traces that were put aside: looked at, put back into the queue, or deleted."""

from typing import Final

import redis
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from observability import audit, dead_letters

PERMISSION: Final = "observability.manage_dead_letters"
WAYS: Final = {
    "put_back": (dead_letters.put_back, "traces.put_back", "put back into the queue"),
    "delete": (dead_letters.delete, "traces.deleted", "deleted"),
}


class TakingForm(forms.Form):
    do = forms.ChoiceField(choices=[(way, way) for way in WAYS])
    letters = forms.MultipleChoiceField()
    confirmed = forms.BooleanField(required=False)

    def __init__(self, data: object, known: list[dead_letters.Letter]) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a QueryDict
        self.fields["letters"].choices = [(letter.id, letter.id) for letter in known]  # type: ignore[attr-defined]  # a MultipleChoiceField


def dead_letters_page(request: HttpRequest) -> HttpResponse:
    """List what was put aside; take some of it away, once that is confirmed."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        letters, n_letters = dead_letters.newest()
        form = TakingForm(request.POST, letters)
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["confirmed"]:
                return _take(request, form)
            return _render(request, "confirm_dead_letters", form=form, chosen=form.cleaned_data)
    except redis.RedisError as error:
        return _render(request, "dead_letters", away=str(error))
    return _render(
        request, "dead_letters", letters=letters, n_letters=n_letters, is_refused=request.method == "POST"
    )


def _take(request: HttpRequest, form: TakingForm) -> HttpResponse:
    take, event, done = WAYS[form.cleaned_data["do"]]
    n_letters = take(form.cleaned_data["letters"])
    said = f"{n_letters} message{'' if n_letters == 1 else 's'} {done}"
    audit.record(event=event, message=said, realm_id=None, module="executions", n_messages=n_letters)
    messages.success(request, f"{said}.")
    return redirect("dead_letters")


def _render(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Traces put aside", **context}
    return TemplateResponse(request, f"admin/observability/{name}.html", context)
