// The gains and costs of the response cache: the same app on Express and on Fastify, with and without it.
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { benchOptions, type Measured, measure, printTable, serveContender } from './harness.ts'
import { type Contest, contests } from './http/contenders.ts'

/** CPU time relative to the first contender; for a miss, the additional percent. */
const TARGETS = {
  hit: 0.5,
  overMap: 2,
  miss: 25,
  never: 15,
  cookie: 5,
  notModified: 0.5,
  overConstant: 1 / 0.85,
  front: 0.5,
} as const

function figuresOf({ framework, what }: Contest, [base, ...others]: readonly Measured[]): BenchFigure[] {
  const [first, second, third] = others
  if (base === undefined || first === undefined) return []
  const ratio = (id: string, value: number, target?: number): BenchFigure => ({
    id: `${framework}, ${id}`,
    value,
    unit: '×',
    ...(target === undefined ? {} : { target }),
  })
  if (what === '304') {
    return [
      ratio('304 from the cache ÷ sent by the app, CPU', first.ratio, TARGETS.notModified),
      ratio('304 from the cache ÷ sent by the app, wall', first.wallRatio),
    ]
  }
  if (what === 'constant' && second !== undefined) {
    return [
      ratio('a hit ÷ a constant, CPU', first.ratio, TARGETS.overConstant),
      ratio(
        'a hit at the front ÷ a constant, CPU',
        second.ratio,
        framework === 'Express' ? TARGETS.front : TARGETS.overConstant,
      ),
    ]
  }
  if (second === undefined || third === undefined) return []
  if (what === 'hit') {
    return [
      ratio('a hit ÷ without Sluice, CPU', third.ratio, TARGETS.hit),
      ratio('a hit ÷ without Sluice, wall', third.wallRatio),
      ratio('a hit ÷ cached results, CPU', third.ratio / first.ratio),
      ratio('a hit ÷ a Map of bodies, CPU', third.ratio / second.ratio, TARGETS.overMap),
    ]
  }
  const cost = (id: string, one: Measured, target: number): BenchFigure[] => [
    { id: `${framework}, ${id}, CPU`, value: (one.ratio - 1) * 100, unit: '%', target },
    { id: `${framework}, ${id}, CPU a request`, value: base.cpuUs * (one.ratio - 1), unit: 'µs' },
  ]
  return [
    ...cost('added to a miss', first, TARGETS.miss),
    ...cost('added to an uncacheable response', second, TARGETS.never),
    ...cost('added to a request with a cookie', third, TARGETS.cookie),
  ]
}

async function main(): Promise<void> {
  const { json, quick, only } = benchOptions(['hit', 'constant', 'cost', '304'])
  const rounds = quick ? 7 : 31
  if (!json)
    console.log(
      `Node ${process.version}, medians of ${rounds} interleaved rounds; each app in its own process, its client in another`,
    )
  process.env.NODE_ENV = 'production'
  const figures: BenchFigure[] = []
  for (const contest of contests) {
    if (only !== undefined && only !== contest.what) continue
    const measured = await measure(contest.contenders, rounds, quick ? 200 : 500)
    if (!json) printTable(contest.title, measured, [])
    figures.push(...figuresOf(contest, measured))
  }
  if (json) for (const one of figures) console.log(toJson(one, 'http'))
  else {
    console.log()
    printFigures(figures)
  }
}

if (!(await serveContender(contests.flatMap(({ contenders }) => contenders)))) await main()
