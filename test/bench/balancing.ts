// What it costs to choose a node, and what becomes of requests when one dies, hangs, or leaves; beside other proxies.
import { failureFigures } from './balancing/failures.ts'
import { memoryFigures } from './balancing/memory.ts'
import { pickFigures } from './balancing/picks.ts'
import { throughputFigures } from './balancing/throughput.ts'
import { printFigures, toJson } from './database/report.ts'
import { benchOptions } from './harness.ts'

const { json, quick } = benchOptions()
const figures = [
  ...(await pickFigures(quick ? 5 : 15)),
  ...(await throughputFigures(quick ? 1 : 5, quick ? 2 : 4)),
  ...(await failureFigures(quick ? 2_000 : 6_000)),
  ...(await memoryFigures()),
]
if (json) for (const figure of figures) console.log(toJson(figure, 'balancing'))
else printFigures(figures)
