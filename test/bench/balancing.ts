// The cost of choosing a node, and the outcome of requests when a node dies, hangs or leaves, compared with
// other proxies. Regions in virtual time; with `--regions`, only these. Reads after writes if a database has
// a replica; with `--replicas`, only these.
import { failureFigures } from './balancing/failures.ts'
import { memoryFigures } from './balancing/memory.ts'
import { pickFigures } from './balancing/picks.ts'
import { regionFigures } from './balancing/regions.ts'
import { replicaFigures } from './balancing/replicas.ts'
import { throughputFigures } from './balancing/throughput.ts'
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { benchOptions } from './harness.ts'

const { json, quick, only } = benchOptions(['regions', 'replicas'])
const sections: [name: string, run: () => BenchFigure[] | Promise<BenchFigure[]>][] = []
if (only === undefined)
  sections.push(
    ['picks', () => pickFigures(quick ? 5 : 15)],
    ['throughput', () => throughputFigures(quick ? 1 : 5, quick ? 2 : 4)],
    ['failures', () => failureFigures(quick ? 2_000 : 6_000)],
    ['memory', () => memoryFigures()],
  )
if (only !== 'replicas') sections.push(['regions', () => regionFigures(quick ? 30 : 90)])
if (only !== 'regions') sections.push(['replicas', () => replicaFigures(quick ? 200 : 10_000)])
for (const [name, run] of sections) {
  // If a run does not end, its output shows where.
  console.error(`${name} …`)
  const figures = await run()
  if (json) for (const figure of figures) console.log(toJson(figure, 'balancing'))
  else printFigures(figures)
}
