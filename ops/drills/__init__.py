"""`make drill`: is the ledger still right after crashes under load?

A drill sends events, each with a key of its own, and repeats each until it is answered, while something is
killed, restarted or stopped. Afterwards every acknowledged score must be in the ledger exactly once, with no
other beside it, and all running figures must be what SQL computes from the ledger anew.

    service.py   PostgreSQL, Valkey and the web server, as `make run` starts them, and ways to hurt them
    plan.py      the game, its strategies, and the events
    load.py      the clients
    faults.py    what is done to the service meanwhile
    audit.py     the ledger against what the clients were told
    drill.py     one drill from beginning to end: its figures and what is wrong

A drill of traces does the same to the queue of traces: its books must close to the row.

    traces.py        one load with a fault in it: what was felt, and how soon traces come again
    open_loop.py     clients that send at their times, whatever the answers
    trace_faults.py  what is done to broker, worker and table
    trace_books.py   offered = persisted + dropped + waiting + unconfirmed
"""
