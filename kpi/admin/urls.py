"""Pages that are no model's list, under /admin/kpi/."""

from django.contrib import admin
from django.urls import path

from kpi.admin.objectives import objectives_page
from kpi.admin.players import player_page
from kpi.admin.strategies import comparison_page, performance_page

view = admin.site.admin_view
urlpatterns = [
    path("objectives/", view(objectives_page), name="objectives"),
    path("strategy/<uuid:pk>/", view(performance_page), name="strategy_performance"),
    path("strategy/<uuid:pk>/compare/", view(comparison_page), name="strategy_comparison"),
    path("player/<uuid:pk>/", view(player_page), name="player_over_time"),
]
