"""Strategies are stable names; versions are programs, immutable once published; aliases point at versions."""

from django.db import models
from django.db.models import Q

from gameproject.lib.ids import uuid7
from strategies.models.tenancy import Realm

PRODUCTION = "production"


class StrategyType(models.TextChoices):
    FULL = "DSL_FULL", "full"
    EXTEND = "DSL_EXTEND", "extends another"


class Strategy(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(
        Realm,
        on_delete=models.CASCADE,
        related_name="strategies",
        null=True,
        blank=True,
        help_text="Empty for the built-in ones, which every realm sees and none writes.",
    )
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=16, choices=StrategyType, default=StrategyType.FULL)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "strategies"
        permissions = [("operate_strategy", "Can roll back and archive a strategy")]
        constraints = [
            models.UniqueConstraint(name="strategy_slug", fields=["realm", "slug"], nulls_distinct=False),
            models.CheckConstraint(name="strategy_type_known", condition=Q(type__in=StrategyType.values)),
            models.CheckConstraint(
                name="strategy_parent_only_if_it_extends", condition=Q(type="DSL_EXTEND") | Q(parent=None)
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class StrategyVersion(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    program = models.JSONField(help_text="The program, as dsl.md defines it.")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of its canonical JSON.")
    # Pinned when the version is published: the parent's production version at that moment.
    parent_version = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="child_versions", editable=False
    )
    cost = models.JSONField(default=dict, editable=False, help_text="Nodes, depth, and fields that it needs.")
    problems = models.JSONField(default=list, editable=False, help_text="Warnings kept, errors of a draft.")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="version_number", fields=["strategy", "number"]),
            models.UniqueConstraint(
                name="version_one_draft", fields=["strategy"], condition=Q(published_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy.slug} v{self.number}"


class Alias(models.Model):
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=32, default=PRODUCTION)
    version = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="aliases")
    moved_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint(name="alias_name", fields=["strategy", "name"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.strategy.slug}"
