"""Take a score back: a page that says what will happen, a reason, and then it happens."""

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from gameproject.lib.admin import points
from gameproject.lib.errors import Conflict
from strategies.admin.links import page_of
from strategies.models import Score
from strategies.reversing import reverse_score

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Kept with the reversal; the API shows it to the application.",
    )


def take_back(admin: "ModelAdmin[Score]", request: HttpRequest, score: Score) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _take_back_now(admin, request, score, form.cleaned_data["reason"])
    context = {
        **admin.admin_site.each_context(request),
        "title": "Take a score back",
        "score": score,
        "form": form,
        "opts": admin.opts,
    }
    return TemplateResponse(request, "admin/strategies/take_back.html", context)


def _take_back_now(
    admin: "ModelAdmin[Score]", request: HttpRequest, score: Score, reason: str
) -> HttpResponse:
    try:
        reversal = reverse_score(score=score, reason=reason, request_id=request.request_id)  # type: ignore[attr-defined]  # the middleware's
    except Conflict as error:
        messages.error(request, error.message)
    else:
        admin.log_change(request, score, f"Taken back by {reversal.pk}: {reason}")
        messages.success(request, f"Taken back: {points(score.points)} points, by score {reversal.pk}.")
    return redirect(page_of(score))
