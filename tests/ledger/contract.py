"""What every engine of the ledger's port promises: bodies that run over any engine.

Each body gets an open ledger and a tenant of its own. `UNTIMED` bodies need no clock that can be
set; `TIMED` ones move the world's clock.
"""

from tests.ledger import (
    contract_admission,
    contract_exactness,
    contract_records,
    contract_retention,
    contract_settlement,
    contract_time,
)
from tests.ledger.world import Body

UNTIMED: tuple[Body, ...] = (
    *contract_admission.BODIES,
    *contract_exactness.BODIES,
    *contract_settlement.BODIES,
    *contract_records.BODIES,
)
TIMED: tuple[Body, ...] = (*contract_time.BODIES, *contract_retention.BODIES)
