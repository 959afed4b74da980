"""Look whether the audit trail is as it was written. Exit status 1, and the first broken row, where it is not."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observability.audit_chain import Fault, chain_of, chains, verify
from observability.models import AuditChain
from strategies.demo.progress import Bar
from strategies.models import Realm


class Command(BaseCommand):
    help = "Walk every chain of the audit trail and name the first row of each that was tampered with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--realm", help="slug of a realm; all chains, if not given")

    def handle(self, *_: Any, **options: Any) -> None:
        heads = _heads(options["realm"])
        n_rows, n_passed = sum(head.n_rows for head in heads), 0
        bar = Bar("audit trail", sys.stderr)

        def progress(n: int) -> None:
            nonlocal n_passed
            n_passed += n
            bar.show(n_passed / n_rows if n_rows else 1.0, f"{n_passed:,} of {n_rows:,} rows")

        try:
            faults = list(verify(heads, progress=progress))
        finally:
            bar.clear()
        if faults:
            raise CommandError("\n".join(_said(fault) for fault in faults))
        self.stdout.write(f"{n_rows:,} rows in {len(heads)} chains: as they were written.")
        for head in heads:
            self.stdout.write(f"{_name(head)}: {head.n_rows:,} rows, head {bytes(head.last_hash).hex()}")


def _heads(slug: str | None) -> list[AuditChain]:
    if slug is None:
        return chains()
    realm = Realm.objects.filter(slug=slug).first()
    if realm is None:
        raise CommandError(f"There is no realm {slug!r}.")
    return [chain_of(realm.pk)]


def _name(chain: AuditChain | Fault) -> str:
    if chain.realm_id is None:
        return "global chain"
    slug = Realm.objects.filter(pk=chain.realm_id).values_list("slug", flat=True).first()
    return f"realm {slug or chain.realm_id}"


def _said(fault: Fault) -> str:
    which = f" ({fault.row_id})" if fault.row_id else ""
    return f"{_name(fault)}, row {fault.sequence}{which}: {fault.what}."
