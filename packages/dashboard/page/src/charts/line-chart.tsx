import { useEffect, useRef, useState } from 'preact/hooks'
import { amount, clockMinute, clockTime } from '../format.ts'
import { type ChartData, linePath, rangeOf, stepOf, timeTicks, valueAt, valueTicks } from './chart-data.ts'

interface LineChartProps {
  readonly label: string
  readonly unit: string
  readonly data: ChartData
  readonly warning: number | null
  readonly critical: number | null
}

const HEIGHT = 300
const [TOP, LEFT, RIGHT, BOTTOM] = [16, 56, 8, HEIGHT - 28]
/** Minimum distance of the labels of the time axis, in pixels. */
const LABEL = 72

/**
 * A metric over time, with its forecast. Arrow keys move from value to value. A table contains the same data.
 */
export function LineChart({ label, unit, data, warning, critical }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [at, setAt] = useState<number | undefined>(undefined)
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const watch = new ResizeObserver(() => setWidth(element.clientWidth))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])

  const { times, values, upper, median, lower, now } = data
  const last = times.length - 1
  const index = Math.max(0, Math.min(at ?? values.findLastIndex((value) => value !== null), last))
  const text = last < 0 ? 'No values' : valueAt(data, index, unit)
  const [from, to] = [times[0] ?? 0, times[last] ?? 0]
  const [low, high] = rangeOf(data, warning, critical)
  const right = width - RIGHT
  const x = (time: number) => LEFT + ((time - from) / (to - from || 1)) * (right - LEFT)
  // A wider band is cut off at the top.
  const y = (value: number) => BOTTOM - (Math.min(value - low, high - low) / (high - low)) * (BOTTOM - TOP)
  const column = (of: ChartData['values']) =>
    times.map((time, place) => [x(time), of[place] == null ? null : y(of[place])] as const)
  const known = (of: ChartData['values']) => column(of).filter(([, value]) => value !== null)
  const band = [...known(upper), ...known(lower).reverse()]
  const isShort = to - from < 300

  const point = (event: PointerEvent) => {
    const place = event.clientX - (box.current?.getBoundingClientRect().left ?? 0)
    const distances = times.map((time) => Math.abs(x(time) - place))
    setAt(distances.indexOf(Math.min(...distances)))
  }
  const move = (event: KeyboardEvent) => {
    const next = stepOf(event.key, index, times.length)
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    setAt(next)
  }

  return (
    <div>
      <div
        class="chart"
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`${label}: chart cursor`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={index}
        aria-valuetext={text}
        aria-orientation="horizontal"
        onKeyDown={move}
        onPointerMove={point}
      >
        {width > 0 && (
          <svg class="plot" width={width} height={HEIGHT} aria-hidden="true">
            {valueTicks(low, high, 5).map((value) => (
              <g key={value}>
                <path class="plot-grid" d={`M${LEFT} ${y(value)}H${right}`} />
                <text class="plot-value" x={LEFT - 8} y={y(value)}>
                  {amount(value)}
                </text>
              </g>
            ))}
            {timeTicks(from, to, (right - LEFT) / LABEL, new Date(from * 1_000).getTimezoneOffset() * 60).map(
              (time) => (
                <text key={time} class="plot-time" x={x(time)} y={HEIGHT - 12}>
                  {(isShort ? clockTime : clockMinute)(time * 1_000)}
                </text>
              ),
            )}
            {band.length > 0 && <path class="plot-band" d={`${linePath(band)}Z`} />}
            <path class="plot-line" d={linePath(column(values))} />
            <path class="plot-line plot-median" d={linePath(known(median))} />
            {[
              { word: 'Warning', value: warning, tone: 'warn' },
              { word: 'Critical', value: critical, tone: 'bad' },
            ].map(
              ({ word, value, tone }, place) =>
                value !== null &&
                value <= high && (
                  <g key={word} class={tone}>
                    <path class="plot-mark" d={`M${LEFT} ${y(value)}H${right}`} />
                    {/* One label is below its line, so that labels of close thresholds do not overlap. */}
                    <text x={LEFT + 4} y={y(value) + (place === 0 ? 14 : -4)}>
                      {`${word} ${amount(value)}`}
                    </text>
                  </g>
                ),
            )}
            {now !== null && (
              <>
                <path class="plot-mark plot-now" d={`M${x(now)} ${TOP}V${BOTTOM}`} />
                <text class="plot-value" x={x(now) - 4} y={TOP - 6}>
                  now
                </text>
              </>
            )}
            {at !== undefined && (
              <>
                <path class="plot-cursor" d={`M${x(times[index] ?? 0)} ${TOP}V${BOTTOM}`} />
                <circle
                  class="plot-point"
                  cx={x(times[index] ?? 0)}
                  cy={y(values[index] ?? median[index] ?? low)}
                  r={4}
                />
              </>
            )}
          </svg>
        )}
      </div>
      <p class="chart-read" aria-hidden="true">
        {text}
      </p>
    </div>
  )
}
