"""Making one call: the use case that both doors share."""

from gateway.place_call.audit import AuditTrail
from gateway.place_call.place import PlaceCall
from gateway.place_call.results import Asked, Placed, Refused, Requested, Result, Translated
from gateway.place_call.settler import Settler
from gateway.place_call.tasks import CallTasks
from gateway.place_call.verdicts import Standing, input_fault, key_fault

__all__ = [
    "Asked",
    "AuditTrail",
    "CallTasks",
    "PlaceCall",
    "Placed",
    "Refused",
    "Requested",
    "Result",
    "Settler",
    "Standing",
    "Translated",
    "input_fault",
    "key_fault",
]
