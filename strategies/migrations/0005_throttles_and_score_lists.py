"""Throttles of keys; indexes for lists of scores by game and task, for players of a game, for leaderboards."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("strategies", "0003_score_functions")]
    operations = [
        migrations.AddField(
            "apikey",
            "key_rate",
            models.PositiveIntegerField(blank=True, help_text="Requests a second.", null=True),
        ),
        migrations.AddField(
            "apikey",
            "key_burst",
            models.PositiveIntegerField(blank=True, help_text="Requests at once.", null=True),
        ),
        migrations.AddField(
            "apikey",
            "player_rate",
            models.PositiveIntegerField(blank=True, help_text="Events of one player a second.", null=True),
        ),
        migrations.AddField(
            "apikey",
            "player_burst",
            models.PositiveIntegerField(blank=True, help_text="Events of one player at once.", null=True),
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                name="api_key_bursts_let_one_pass",
                condition=(Q(key_burst=None) | Q(key_burst__gte=1))
                & (Q(player_burst=None) | Q(player_burst__gte=1)),
            ),
        ),
        # The game first: the same index then lists a game's players.
        migrations.RemoveConstraint("playergamestats", "player_game_stats_key"),
        migrations.AddConstraint(
            "playergamestats",
            models.UniqueConstraint(name="player_game_stats_key", fields=["game", "player"]),
        ),
        migrations.AddIndex(
            "playergamestats",
            models.Index(
                name="player_game_leaderboard",
                fields=["game", "-points_total", "player"],
                condition=Q(n_scores__gt=0),
            ),
        ),
        # Its updates are not HOT any more: vacuum sooner than after the default fifth of the table.
        migrations.RunSQL(
            "ALTER TABLE strategies_playergamestats SET (autovacuum_vacuum_scale_factor = 0.05)",
            "ALTER TABLE strategies_playergamestats RESET (autovacuum_vacuum_scale_factor)",
        ),
        migrations.AddIndex("score", models.Index(name="score_game_newest", fields=["game", "-id"])),
        migrations.AddIndex("score", models.Index(name="score_task_newest", fields=["task", "-id"])),
    ]
