import type { BenchFigure } from '../database/report.ts'
import { askAll } from './load.ts'
import { type Started, startNode, startProxy } from './start.ts'

const CLIENTS = 50

/** The outcome of requests when a node is killed, hangs or leaves at 33% of the time. */
export async function failureFigures(ms: number): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = []
  for (const kind of ['sluice', '@fastify/http-proxy', 'http-proxy']) {
    const killed = await underLoad(kind, 3, ms, ([node]) => node?.child.kill('SIGKILL'))
    figures.push({
      id: `${kind}: failed while one of 3 nodes is killed`,
      value: share(killed),
      unit: '%',
      ...target(kind, 0),
    })
    const calm = await underLoad(kind, 2, ms, () => {})
    const hung = await underLoad(kind, 2, ms, ([node]) => node?.child.kill('SIGSTOP'))
    const kept = {
      id: `${kind}: served while one of 2 nodes hangs, relative to both running`,
      value: hung.served / calm.served,
      unit: '×' as const,
    }
    figures.push(kind === 'sluice' ? { ...kept, target: 0.7, bound: '≥' } : kept)
    figures.push({ id: `${kind}: failed meanwhile`, value: share(hung), unit: '%', ...target(kind, 0) })
  }
  const left = await underLoad('sluice', 2, ms, ([node], proxy) => proxy.child.send({ remove: node?.port }))
  figures.push({
    id: 'sluice: failed while one of 2 nodes is removed',
    value: share(left),
    unit: '%',
    target: 0,
  })
  return figures
}

function target(kind: string, value: number): { readonly target?: number } {
  return kind === 'sluice' ? { target: value } : {}
}

function share({ served, failed }: { readonly served: number; readonly failed: number }): number {
  return (failed / (served + failed)) * 100
}

async function underLoad(
  kind: string,
  count: number,
  ms: number,
  happen: (nodes: readonly Started[], proxy: Started) => unknown,
) {
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode()))
  const proxy = await startProxy(
    kind,
    nodes.map(({ port }) => port),
  )
  try {
    await askAll(proxy.port, { clients: CLIENTS, ms: 500 })
    const timer = setTimeout(() => happen(nodes, proxy), ms / 3)
    const load = await askAll(proxy.port, { clients: CLIENTS, ms })
    clearTimeout(timer)
    return load
  } finally {
    for (const { stop } of [proxy, ...nodes]) stop()
  }
}
