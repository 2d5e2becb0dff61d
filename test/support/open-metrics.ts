/** A sample of a page. */
interface OpenMetricsSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
  readonly exemplar:
    | {
        readonly labels: ReadonlyMap<string, string>
        readonly value: number
        readonly timestamp: number | undefined
      }
    | undefined
}

export interface OpenMetricsFamily {
  readonly name: string
  type: string | undefined
  unit: string | undefined
  help: string | undefined
  readonly samples: OpenMetricsSample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const NUMBER = '[+-]?(?:Inf|NaN|[0-9]+(?:\\.[0-9]*)?(?:e[+-]?[0-9]+)?|\\.[0-9]+(?:e[+-]?[0-9]+)?)'
const LABELS = '(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"(?:,(?!\\})|(?=\\})))*'
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABELS})\\})? (${NUMBER})(?: (${NUMBER}))?(?: # \\{(${LABELS})\\} (${NUMBER})(?: ([0-9]+(?:\\.[0-9]+)?))?)?$`,
)
const DESCRIPTOR = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.*)$`)
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  info: ['_info'],
  unknown: [''],
}
const CLASHING = ['', '_total', '_created', '_bucket', '_sum', '_count', '_info']

/**
 * Reads a page by the strict rules of https://prometheus.io/docs/specs/om/open_metrics_spec/: its grammar,
 * and the MUST and MUST NOT rules for exposers about the types that are used here.
 *
 * @throws Error with the violated rule and its position.
 */
export function readOpenMetrics(text: string): ReadonlyMap<string, OpenMetricsFamily> {
  if (!/# EOF\n?$/.test(text)) throw new Error('The page does not end with "# EOF".')
  const lines = text.replace(/\n$/, '').split('\n')
  lines.pop()
  const families = new Map<string, OpenMetricsFamily>()
  const taken = new Set<string>()
  let current: OpenMetricsFamily | undefined
  const broken = (line: string, rule: string) => new Error(`${rule} Line: ${line}`)
  for (const line of lines) {
    const [, kind, name = '', rest = ''] = DESCRIPTOR.exec(line) ?? []
    if (kind !== undefined) {
      if (current?.name !== name) {
        finish(current)
        if (families.has(name)) throw broken(line, 'A family is interleaved with another, or comes twice.')
        current = { name, type: undefined, unit: undefined, help: undefined, samples: [] }
        families.set(name, current)
      }
      if (current.samples.length > 0) throw broken(line, 'A descriptor comes after samples.')
      describeFamily(current, kind, rest, line, broken)
      continue
    }
    const sample = readSample(line, broken)
    const suffix =
      current === undefined
        ? undefined
        : SUFFIXES[current.type ?? 'unknown']?.find((one) => sample.name === current?.name + one)
    if (current === undefined || suffix === undefined)
      throw broken(line, 'A sample belongs to no family, or has a suffix that its type has not.')
    checkSample(current, sample, suffix, line, broken)
    current.samples.push(sample)
  }
  finish(current)
  for (const { name, type = 'unknown' } of families.values()) {
    for (const used of (SUFFIXES[type] ?? []).map((suffix) => name + suffix).concat(name)) {
      if (used !== name && families.has(used)) throw new Error(`The names of ${name} and ${used} clash.`)
      if (taken.has(used)) throw new Error(`The name ${used} is taken twice.`)
    }
    for (const suffix of CLASHING) if ((SUFFIXES[type] ?? []).includes(suffix)) taken.add(name + suffix)
  }
  return families
}

type Broken = (line: string, rule: string) => Error

function describeFamily(
  family: OpenMetricsFamily,
  kind: string,
  rest: string,
  line: string,
  broken: Broken,
): void {
  const field = kind.toLowerCase() as 'type' | 'unit' | 'help'
  if (family[field] !== undefined) throw broken(line, 'A descriptor comes twice.')
  if (field === 'type' && SUFFIXES[rest] === undefined) throw broken(line, 'No such type.')
  if (field === 'type' && rest === 'counter' && family.name.endsWith('_total'))
    throw broken(line, 'A counter has _total in the name of its family.')
  if (field === 'unit' && !family.name.endsWith(`_${rest}`))
    throw broken(line, 'The unit is not what the name ends with.')
  if (field === 'help' && !/^(?:[^"\\\n]|\\["\\n])*$/.test(rest)) throw broken(line, 'A help is not escaped.')
  family[field] = rest
}

function readSample(line: string, broken: Broken): OpenMetricsSample {
  const [, name, labels, value, timestamp, exemplarLabels, exemplarValue, exemplarTimestamp] =
    SAMPLE.exec(line) ?? []
  if (name === undefined || value === undefined) throw broken(line, 'This line does not match the grammar.')
  if (timestamp !== undefined) throw broken(line, 'A timestamp is written.')
  const exemplar =
    exemplarLabels === undefined
      ? undefined
      : {
          labels: labelsOf(exemplarLabels, line, broken),
          value: numberOf(exemplarValue ?? ''),
          timestamp: exemplarTimestamp === undefined ? undefined : Number(exemplarTimestamp),
        }
  return { name, labels: labelsOf(labels ?? '', line, broken), value: numberOf(value), exemplar }
}

function labelsOf(text: string, line: string, broken: Broken): ReadonlyMap<string, string> {
  const labels = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    if (labels.has(name)) throw broken(line, 'A label comes twice.')
    labels.set(
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    )
  }
  return labels
}

function numberOf(text: string): number {
  return /Inf$/.test(text)
    ? text.startsWith('-')
      ? Number.NEGATIVE_INFINITY
      : Number.POSITIVE_INFINITY
    : Number(text.replace('NaN', 'x'))
}

function checkSample(
  { type }: OpenMetricsFamily,
  sample: OpenMetricsSample,
  suffix: string,
  line: string,
  broken: Broken,
): void {
  const { labels, value, exemplar } = sample
  const isCounted = ['_total', '_bucket', '_count', '_sum'].includes(suffix)
  if (isCounted && !(value >= 0)) throw broken(line, 'A value that only grows is below 0 or not a number.')
  if (['_bucket', '_count'].includes(suffix) && !Number.isInteger(value))
    throw broken(line, 'A count is not a whole number.')
  if (labels.has('le') !== (suffix === '_bucket')) throw broken(line, 'The label le is for buckets.')
  const quantile = labels.get('quantile')
  if ((quantile !== undefined) !== (type === 'summary' && suffix === ''))
    throw broken(line, 'The label quantile is for summaries.')
  if (quantile !== undefined && !(Number(quantile) >= 0 && Number(quantile) <= 1))
    throw broken(line, 'A quantile is not from 0 to 1.')
  if (quantile !== undefined && value < 0) throw broken(line, 'The value of a quantile is below 0.')
  for (const bound of [labels.get('le'), quantile])
    if (bound !== undefined && !/^(?:\+Inf|-?[0-9]+\.[0-9]+|-?[0-9.]+e[+-][0-9]+)$/.test(bound))
      throw broken(line, 'A bound is not canonical.')
  if (exemplar === undefined) return
  if (suffix !== '_total' && suffix !== '_bucket')
    throw broken(line, 'Only counters and buckets have exemplars.')
  const length = [...exemplar.labels].reduce(
    (sum, [name, text]) => sum + [...name].length + [...text].length,
    0,
  )
  if (length > 128) throw broken(line, 'An exemplar has more than 128 characters.')
  const le = labels.get('le')
  if (le !== undefined && exemplar.value > numberOf(le))
    throw broken(line, 'An exemplar is of another bucket.')
}

/** The rules for all samples of one family. */
function finish(family: OpenMetricsFamily | undefined): void {
  if (family === undefined) return
  const { name, type, samples } = family
  if (type === undefined) throw new Error(`The family ${name} has no type.`)
  const groups = new Map<string, OpenMetricsSample[]>()
  const seen = new Set<string>()
  let last: string | undefined
  for (const sample of samples) {
    const own = [...sample.labels].filter(([label]) => label !== 'le' && label !== 'quantile').sort()
    const group = JSON.stringify(own)
    if (group !== last && groups.has(group))
      throw new Error(`Samples of ${name} with the labels ${group} are interleaved with others.`)
    last = group
    groups.set(group, [...(groups.get(group) ?? []), sample])
    const key = JSON.stringify([sample.name, ...[...sample.labels].sort()])
    if (seen.has(key)) throw new Error(`A sample comes twice: ${key}`)
    seen.add(key)
  }
  if (type === 'histogram') for (const [group, of] of groups) checkHistogram(`${name} ${group}`, of)
}

function checkHistogram(name: string, samples: readonly OpenMetricsSample[]): void {
  const buckets = samples.filter((sample) => sample.labels.has('le'))
  const bounds = buckets.map(({ labels }) => numberOf(labels.get('le') ?? ''))
  const infinite = buckets.at(-1)
  if (infinite === undefined || bounds.at(-1) !== Number.POSITIVE_INFINITY)
    throw new Error(`The last bucket of ${name} is not +Inf.`)
  for (let at = 1; at < buckets.length; at += 1) {
    if (!((bounds[at] as number) > (bounds[at - 1] as number)))
      throw new Error(`The bounds of ${name} do not ascend.`)
    if ((buckets[at]?.value as number) < (buckets[at - 1]?.value as number))
      throw new Error(`The buckets of ${name} do not add up.`)
  }
  const count = samples.find((sample) => sample.name.endsWith('_count'))
  const sum = samples.find((sample) => sample.name.endsWith('_sum'))
  if ((count === undefined) !== (sum === undefined)) throw new Error(`${name} has one of _count and _sum.`)
  if (count !== undefined && count.value !== infinite.value)
    throw new Error(`The count of ${name} is not that of its last bucket.`)
  if (sum !== undefined && (bounds[0] as number) < 0)
    throw new Error(`${name} has a sum, and values below 0.`)
}
