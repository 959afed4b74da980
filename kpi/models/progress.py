"""How far rollups have come."""

from django.db import models

from strategies.models import Realm


class RollupProgress(models.Model):
    """How far the rollup of a realm, or of all of them, has come."""

    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, null=True, related_name="+")
    first_day = models.DateField(help_text="Where it began.")
    final_through = models.DateField(null=True, help_text="All days up to this one are final.")
    provisional_at = models.DateTimeField(null=True, help_text="When the running day was last rolled up.")

    class Meta:
        default_permissions = ()
        verbose_name = "rollup progress"
        verbose_name_plural = "rollup progress"
        constraints = [
            models.UniqueConstraint(name="rollup_progress_realm", fields=["realm"], nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.realm or 'all realms'}: through {self.final_through}"
