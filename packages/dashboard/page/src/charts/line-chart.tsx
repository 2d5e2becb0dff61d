import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { amount } from '../format/numbers.ts'
import { clockTime } from '../format/times.ts'
import { theme } from '../state/preferences.ts'
import { type ChartData, stepOf, valueAt } from './chart-data.ts'

export interface LineChartProps {
  readonly label: string
  readonly unit: string
  readonly data: ChartData
  readonly warning: number | null
  readonly critical: number | null
}

const HEIGHT = 280

/**
 * A metric over time, with its forecast. Arrow keys move from value to value. A table contains the same data.
 */
export function LineChart(props: LineChartProps) {
  const { label, unit, data } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const latest = useRef(props)
  latest.current = props
  const [at, setAt] = useState<number | undefined>(undefined)
  const [scheme, setScheme] = useState(0)
  const chosen = theme.value
  const count = data.times.length

  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const change = () => setScheme((one) => one + 1)
    dark.addEventListener('change', change)
    return () => dark.removeEventListener('change', change)
  }, [])

  // Colors come from CSS variables, so a change of theme redraws the chart.
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const drawn = new uPlot(optionsOf(element, latest), columnsOf(latest.current.data), element)
    plot.current = drawn
    drawn.over.addEventListener('mousemove', () => setAt(drawn.cursor.idx ?? undefined))
    const watch = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      drawn.destroy()
      plot.current = undefined
    }
  }, [chosen, scheme])

  useEffect(() => plot.current?.setData(columnsOf(data)), [data])

  const index = Math.min(at ?? lastValue(data), Math.max(0, count - 1))
  const text = count === 0 ? 'No values' : valueAt(data, index, unit)

  const move = (event: KeyboardEvent) => {
    const next = stepOf(event.key, index, count)
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    setAt(next)
    const drawn = plot.current
    if (drawn === undefined) return
    const value = data.values[next] ?? data.median[next]
    drawn.setCursor({
      left: drawn.valToPos(data.times[next] ?? 0, 'x'),
      top: value === null || value === undefined ? 0 : drawn.valToPos(value, 'y'),
    })
  }

  return (
    <div>
      <div
        class="chart"
        role="slider"
        tabIndex={0}
        aria-label={`${label}: chart cursor`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, count - 1)}
        aria-valuenow={index}
        aria-valuetext={text}
        aria-orientation="horizontal"
        onKeyDown={move}
      >
        <div ref={box} />
      </div>
      <p class="chart-read" aria-hidden="true">
        {text}
      </p>
    </div>
  )
}

function lastValue({ values }: ChartData): number {
  return values.findLastIndex((value) => value !== null)
}

function columnsOf({ times, values, upper, median, lower }: ChartData): uPlot.AlignedData {
  return [[...times], [...values], [...upper], [...median], [...lower]]
}

function optionsOf(element: HTMLElement, props: { readonly current: LineChartProps }): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  const [text, muted, accent, line, warn, bad] = [
    color('text'),
    color('muted'),
    color('accent'),
    color('line'),
    color('warn'),
    color('bad'),
  ]
  const font = '12px system-ui, sans-serif'
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
  const none = { show: false }
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    legend: none,
    cursor: { drag: { x: false, y: false }, points: { size: 7, fill: accent } },
    scales: { x: { time: true }, y: { range: (_, least, most) => rangeOf(least, most, props.current) } },
    axes: [
      { ...axis, values: timeLabels, grid: none, size: 28 },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => amount(value)) },
    ],
    series: [
      {},
      { stroke: accent, width: 1.5, points: none, spanGaps: false },
      { stroke: 'transparent', points: none },
      { stroke: accent, width: 1.5, dash: [6, 4], points: none },
      { stroke: 'transparent', points: none },
    ],
    // 18% of 255.
    bands: [{ series: [2, 4], fill: `${accent}2e` }],
    hooks: {
      draw: [
        (drawn) => {
          const { now } = props.current.data
          if (now !== null) nowLine(drawn, now, text)
          threshold(drawn, props.current.warning, 'Warning', warn)
          threshold(drawn, props.current.critical, 'Critical', bad)
        },
      ],
    },
  }
}

/**
 * Maximum height of the chart, as a multiple of the largest measured or median value. A wider band is cut off
 * so that the values stay readable; the text below the chart shows its full range.
 */
const MOST_OF_BAND = 2.5

/** Starts at zero, with room at the top. Includes a threshold if values reach 60% of it. */
function rangeOf(
  least: number | null,
  most: number | null,
  { data, warning, critical }: LineChartProps,
): uPlot.Range.MinMax {
  const known = [...data.values, ...data.median].reduce((top: number, value) => Math.max(top, value ?? 0), 0)
  const near = [warning, critical].filter((value): value is number => value !== null && known >= value * 0.6)
  const top = Math.max(known, ...near)
  const high = top === 0 ? (most ?? 0) : Math.min(Math.max(most ?? 0, top), top * MOST_OF_BAND)
  return [Math.min(0, least ?? 0), high === 0 ? 1 : high * 1.1]
}

function timeLabels(_: uPlot, splits: number[]): string[] {
  const isShort = splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 60
  return splits.map((at) => (isShort ? clockTime(at * 1_000) : clockTime(at * 1_000).slice(0, 5)))
}

function nowLine({ ctx, bbox, valToPos }: uPlot, now: number, stroke: string): void {
  const x = Math.round(valToPos(now, 'x', true))
  if (x < bbox.left || x > bbox.left + bbox.width) return
  ctx.save()
  ctx.strokeStyle = stroke
  ctx.fillStyle = stroke
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([devicePixelRatio * 1.5, devicePixelRatio * 3])
  ctx.beginPath()
  ctx.moveTo(x, bbox.top)
  ctx.lineTo(x, bbox.top + bbox.height)
  ctx.stroke()
  ctx.textAlign = 'right'
  ctx.textBaseline = 'top'
  ctx.fillText('now', x - 4 * devicePixelRatio, bbox.top + 2 * devicePixelRatio)
  ctx.restore()
}

function threshold(
  { ctx, bbox, valToPos, scales }: uPlot,
  value: number | null,
  word: string,
  stroke: string,
): void {
  const top = scales.y?.max
  if (value === null || top === undefined || value > top) return
  const y = Math.round(valToPos(value, 'y', true))
  ctx.save()
  ctx.strokeStyle = stroke
  ctx.fillStyle = stroke
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.textAlign = 'left'
  // One label above its line and one below, so that labels of close thresholds do not overlap.
  const isAbove = word === 'Critical'
  ctx.textBaseline = isAbove ? 'bottom' : 'top'
  ctx.fillText(
    `${word} ${amount(value)}`,
    bbox.left + 4 * devicePixelRatio,
    y + (isAbove ? -2 : 3) * devicePixelRatio,
  )
  ctx.restore()
}
