"""The leaderboard of a game."""

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.api import json_number, page_limit
from gameproject.lib.openapi import endpoint
from strategies import leaderboard, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS


class PlaceAnswer(msgspec.Struct, rename="camel"):
    rank: int
    external_user_id: str
    points: int | float


class LeaderboardAnswer(msgspec.Struct):
    """Best first. Players with the same points share a rank: 1, 1, 3."""

    items: list[PlaceAnswer]


class LeaderboardView(ApiView):
    @endpoint(
        name="getLeaderboard",
        summary="The first places of a game, or those around a player",
        tag="Players",
        scope="read",
        answers={200: LeaderboardAnswer},
        errors={404: ["GAME_NOT_FOUND", "PLAYER_NOT_FOUND"]},
        parameters=[
            PAGE_PARAMETERS[0],
            OpenApiParameter(
                "around", str, description="A player's external id: the player's place, with neighbours."
            ),
        ],
    )
    def get(self, request: Request, game: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        limit = page_limit(request)
        name = request.query_params.get("around")
        if name is None:
            places = leaderboard.top(row, limit=limit)
        else:
            player = selectors.player_by_name(self.principal.realm_id, name)
            places = leaderboard.around(row, player, limit=limit)
        return json_response(LeaderboardAnswer([_place(place) for place in places]))


def _place(place: leaderboard.Place) -> PlaceAnswer:
    return PlaceAnswer(place.rank, place.external_user_id, json_number(place.points))
