"""The thinnest REST framework view that inserts one row: the yardstick of our own."""

from typing import Any

from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.thin.models import Row


class RowSerializer(serializers.Serializer[dict[str, Any]]):
    contact = serializers.CharField(max_length=16)


class ThinView(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request) -> Response:
        asked = RowSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = Row.objects.create(contact=asked.validated_data["contact"])
        return Response({"id": row.pk}, status=202)
