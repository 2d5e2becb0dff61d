import type { BenchFigure } from '../database/report.ts'
import { median } from '../harness.ts'
import { wrk } from './load.ts'
import { cpuSeconds, has, type Started, startNginx, startNode, startProxy } from './start.ts'

const TARGETS = { overFastify: { '/1k': 1.5, '/64k': 1.3 }, overNginx: { '/1k': 0.28, '/64k': 0.5 } } as const

interface Measured {
  /** Requests per second. */
  readonly rate: number
  /** Microseconds of CPU time per request. */
  readonly cpuUs: number
}

/** Two nodes, 100 connections; the proxies alternate, each alone on a core if there are two. */
export async function throughputFigures(rounds: number, seconds: number): Promise<BenchFigure[]> {
  if (!has('wrk')) {
    console.error('Throughput is omitted: `wrk` is not installed.')
    return []
  }
  const nodes = await Promise.all([startNode(), startNode()])
  const ports = nodes.map(({ port }) => port)
  const proxies = new Map<string, Started>()
  try {
    for (const kind of ['sluice', '@fastify/http-proxy', 'http-proxy'])
      proxies.set(kind, await startProxy(kind, ports))
    if (has('nginx')) proxies.set('nginx', await startNginx(ports))
    const figures: BenchFigure[] = []
    for (const path of ['/1k', '/64k'] as const) {
      const measured = new Map<string, Measured[]>([...proxies.keys()].map((kind) => [kind, []]))
      // Code that has not run for some seconds is not compiled yet.
      for (const { port } of proxies.values()) await wrk(port, path, Math.max(4, seconds))
      for (let round = 0; round < rounds; round += 1) {
        for (const [kind, { port, pid }] of proxies) {
          const before = cpuSeconds(pid)
          const rate = await wrk(port, path, seconds)
          measured.get(kind)?.push({ rate, cpuUs: ((cpuSeconds(pid) - before) / (rate * seconds)) * 1e6 })
        }
      }
      const ratio = (against: string, of: (one: Measured) => number) =>
        median(
          (measured.get('sluice') ?? []).map(
            (own, at) => of(own) / of(measured.get(against)?.[at] as Measured),
          ),
        )
      for (const [kind, all] of measured) {
        figures.push({
          id: `${kind} ${path}`,
          value: median(all.map(({ rate }) => rate)),
          unit: 'requests/s',
        })
        figures.push({
          id: `${kind} ${path}, processor time a request`,
          value: median(all.map(({ cpuUs }) => cpuUs)),
          unit: 'µs',
        })
      }
      figures.push({
        id: `sluice ÷ @fastify/http-proxy ${path}`,
        value: ratio('@fastify/http-proxy', ({ rate }) => rate),
        unit: '×' as const,
        target: TARGETS.overFastify[path],
        bound: '≥' as const,
      })
      // The nodes are slower than nginx: its CPU time shows its capacity.
      if (measured.has('nginx')) {
        const value = 1 / ratio('nginx', ({ cpuUs }) => cpuUs)
        figures.push({
          id: `sluice ÷ nginx ${path}, by processor time`,
          value,
          unit: '×',
          target: TARGETS.overNginx[path],
          bound: '≥',
        })
      }
    }
    return figures
  } finally {
    for (const { stop } of [...proxies.values(), ...nodes]) stop()
  }
}
