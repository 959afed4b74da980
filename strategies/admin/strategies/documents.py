"""Strategies as files."""

import json

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from gameproject.lib import clock
from gameproject.lib.body import decode
from gameproject.lib.errors import DomainError, TooLarge
from strategies import importing
from strategies.admin.strategies.editor import parent_named
from strategies.admin.strategies.forms import ImportForm, new_id
from strategies.admin.strategies.pages import (
    CREATE,
    VIEW,
    WRITE,
    created_already,
    done,
    render,
    require,
    strategy_page,
    url,
    version_or_latest,
)
from strategies.admin.strategies.problems import ShownProblem, problems_of
from strategies.api.strategy_documents import ImportBody
from strategies.importing import Imported, OnConflict
from strategies.models import Strategy


@strategy_page(VIEW)
def export(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    version = version_or_latest(strategy, request.GET.get("version"))
    document = importing.export_document(version, at=clock.now())
    name = f"{strategy.slug}-v{version.number}.json"
    return HttpResponse(
        json.dumps(document, ensure_ascii=False, indent=2),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def import_document(request: HttpRequest) -> HttpResponse:
    require(request, CREATE)
    form = ImportForm(request.POST or None, request.FILES or None, initial={"new_id": new_id()})
    problems: list[ShownProblem] = []
    text = request.POST.get("document", "")
    if form.is_valid():
        try:
            text = _text(form.cleaned_data["file"], text)
            imported = _import(request, form, text)
        except DomainError as error:
            if error.code == "STRATEGY_CREATED":
                return created_already(request, form.cleaned_data["new_id"])
            problems = problems_of(error, text)
        else:
            return redirect(url("change", imported.version.strategy))
    return render(request, "import", title="Import a strategy", form=form, problems=problems, document=text)


def _text(file: UploadedFile[bytes] | None, pasted: str) -> str:
    """Take the file before what was pasted; what cannot be read shows as such in the form."""
    if file is None:
        return pasted
    if file.size is None or file.size > settings.API_MAX_BODY_BYTES:
        raise TooLarge(f"The file is over the limit of {settings.API_MAX_BODY_BYTES} bytes.")
    content: bytes = file.read()
    return content.decode(errors="replace")


def _import(request: HttpRequest, form: ImportForm, text: str) -> Imported:
    given = form.cleaned_data
    on_conflict = OnConflict(given["on_conflict"])
    if on_conflict is OnConflict.EDIT:
        require(request, WRITE)
    imported = importing.import_strategy(
        realm=given["realm"],
        document=decode(text.encode(errors="replace"), ImportBody).document(),
        on_conflict=on_conflict,
        parent=parent_named(given["realm"], given["parent"]),
        strategy_id=given["new_id"],
    )
    strategy = imported.version.strategy
    message = f"Imported as the draft of version {imported.version.number} of {strategy.slug}."
    done(request, strategy, message, created=imported.created)
    for note in imported.notes:
        messages.warning(request, note.message)
    return imported
