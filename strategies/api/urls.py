"""The API's paths under /api/v1/."""

from django.urls import path

from strategies.api import batch, games, players, scores, strategies

urlpatterns = [
    path("games", games.GamesView.as_view()),
    path("games/<str:game>", games.GameView.as_view()),
    path("games/<str:game>/tasks", games.TasksView.as_view()),
    path("games/<str:game>/tasks/<str:task>", games.TaskView.as_view()),
    path("games/<str:game>/tasks/<str:task>/points", scores.PointsView.as_view()),
    path("scores/batch", batch.BatchView.as_view()),
    path("scores/<uuid:score>", scores.ScoreView.as_view()),
    path("scores/<uuid:score>/explain", scores.ExplainView.as_view()),
    path("scores/<uuid:score>/reversal", scores.ReversalView.as_view()),
    path("users/<str:user>/points", players.PlayerPointsView.as_view()),
    path("strategies", strategies.StrategiesView.as_view()),
    path("strategies/fields", strategies.FieldsView.as_view()),
    path("strategies/custom", strategies.CustomStrategiesView.as_view()),
    path("strategies/custom/validate", strategies.ValidateView.as_view()),
    path("strategies/custom/simulate", strategies.SimulateView.as_view()),
    path("strategies/custom/<str:strategy>", strategies.CustomStrategyView.as_view()),
    path("strategies/custom/<str:strategy>/publish", strategies.PublishView.as_view()),
    path("strategies/custom/<str:strategy>/archive", strategies.ArchiveView.as_view()),
    path("strategies/custom/<str:strategy>/simulate", strategies.SimulateStoredView.as_view()),
    path("strategies/<str:strategy>", strategies.StrategyView.as_view()),
]
