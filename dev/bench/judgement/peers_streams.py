"""River's stream detectors: updates per CPU-second, one stream, one thread. Prints one JSON object."""

import json
import random
import time

from river import drift

VALUES = {"kswin": 5_000}
DETECTORS = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW,
    "fhddm": drift.binary.FHDDM,
    "kswin": lambda: drift.KSWIN(seed=0),
}

figures = {}
for name, make in DETECTORS.items():
    rng = random.Random(1)
    values = [int(rng.random() < 0.1) for _ in range(VALUES.get(name, 100_000))]
    calls, begin = 0, time.process_time()
    while calls == 0 or time.process_time() - begin < 0.5:
        detector = make()
        for value in values:
            detector.update(value)
        calls += 1
    figures[f"{name}_updates_per_cpu_second"] = calls * len(values) / (time.process_time() - begin)
print(json.dumps(figures, indent=2))
