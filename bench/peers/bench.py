"""python bench.py [--quick] [--json out.json] [keys...]: one run, one table. Every engine first has to agree with plain Python."""
import asyncio, gc, importlib.metadata as md, json, os, platform, statistics as st, sys, time
import workload as w
from engines import ENGINES
import ours  # noqa: F401 - registers our adapters

QUICK = "--quick" in sys.argv
ROUNDS, SAMPLES = (7, 1000) if QUICK else (21, 6000)
keys = [a for a in sys.argv[1:] if not a.startswith("-") and not a.endswith(".json")]
FACTS = w.facts()
ns = time.perf_counter_ns

def batch(ev, items, reps):
    t = ns()
    for _ in range(reps):
        for x in items: ev(x)
    return (ns() - t) / (reps * len(items))
async def abatch(ev, items, reps):
    t = ns()
    for _ in range(reps):
        for x in items: await ev(x)
    return (ns() - t) / (reps * len(items))
def samples(ev, items, n):
    out = []
    for i in range(n):
        x = items[i & 63]; t = ns(); ev(x); out.append(ns() - t)
    return out
async def asamples(ev, items, n):
    out = []
    for i in range(n):
        x = items[i & 63]; t = ns(); await ev(x); out.append(ns() - t)
    return out

def main():
    loop = asyncio.new_event_loop()
    want = [w.canon(*w.plain(f)) for f in FACTS]
    rows, live = [], []
    for e in ENGINES:
        if keys and e.key not in keys and e.key != "g": continue
        try:
            t = []
            for _ in range(3): a = ns(); prep, ev, norm = e.build(); t.append(ns() - a)
            items = [prep(f) for f in FACTS]
            got = [w.canon(*norm(loop.run_until_complete(ev(x)) if e.is_async else ev(x))) for x in items]
            bad = sum(a != b for a, b in zip(got, want))
            if bad: i = next(i for i in range(64) if got[i] != want[i]); print("MISMATCH", e.key, bad, "\n ", got[i], "\n ", want[i], file=sys.stderr)
            one = (loop.run_until_complete(abatch(ev, items, 1)) if e.is_async else batch(ev, items, 1))
            live.append((e, ev, items, max(1, int((4e6 if QUICK else 1e7) / (one * 64))), min(t), bad))
        except Exception as x:
            import traceback; traceback.print_exc(limit=4); print("SKIPPED", e.key, type(x).__name__, x, file=sys.stderr)
    meds, pair = {e.key: [] for e, *_ in live}, {e.key: [] for e, *_ in live}
    g_ev, g_items, g_reps = live[0][1:4]
    for _ in range(ROUNDS):                      # engines interleaved, so that drift of the machine hits all alike
        for e, ev, items, reps, *_ in live:
            g1 = batch(g_ev, g_items, max(1, g_reps // 4))       # plain Python just before and after: a shared machine changes speed
            meds[e.key].append(loop.run_until_complete(abatch(ev, items, reps)) if e.is_async else batch(ev, items, reps))
            pair[e.key].append(2 * meds[e.key][-1] / (g1 + batch(g_ev, g_items, max(1, g_reps // 4))))
    for e, ev, items, reps, comp, bad in live:
        gc.collect()
        n = max(500, min(SAMPLES, int(2e9 / st.median(meds[e.key]))))
        s = sorted(loop.run_until_complete(asamples(ev, items, n)) if e.is_async else samples(ev, items, n))
        rows.append(dict(key=e.key, label=e.label, us=st.median(meds[e.key]) / 1e3, ratio=st.median(pair[e.key]), lo=min(meds[e.key]) / 1e3, hi=max(meds[e.key]) / 1e3,
                         pairs=pair[e.key], p50=s[len(s) // 2] / 1e3, p99=s[int(len(s) * .99)] / 1e3, compile_us=comp / 1e3, trace=e.trace, bad=bad, note=e.note))
    print(f"\nCPython {platform.python_version()}, {os.cpu_count()} CPUs, {time.strftime('%F %T')}; 12 rules, 64 fact dicts, {ROUNDS} interleaved rounds; us/eval; 'x plain' = median of ratios to plain Python timed just before and after")
    print(f"{'':5}{'engine':44}{'median':>9}{'min':>9}{'x plain':>9}{'p99':>10}{'build us':>10}  {'trace':9} ok  note")
    for r in rows:
        print(f"{r['key']:5}{r['label']:44}{r['us']:9.2f}{r['lo']:9.2f}{r['ratio']:9.1f}{r['p99']:10.1f}{r['compile_us']:10.0f}  {r['trace']:9} {'yes' if not r['bad'] else 'NO ' + str(r['bad'])}  {r['note']}")
    for a in sys.argv:
        if a.endswith(".json"): json.dump(dict(python=platform.python_version(), at=time.strftime("%F %T"), rows=rows), open(a, "w"), indent=1)
    return rows
if __name__ == "__main__": main()
