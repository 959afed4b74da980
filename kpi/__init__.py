"""How it goes: daily figures, computed from the ledger."""
