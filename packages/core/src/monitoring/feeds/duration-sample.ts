import type { DurationHistogram } from '../../shared/duration-histogram.ts'
import type { HistogramSample, Labels } from './metric-family.ts'

/** Durations in seconds, as others expect them. */
export function durationSample(labels: Labels, { boundsMs, counts, sumMs }: DurationHistogram): HistogramSample {
  return { labels, bounds: boundsMs.map((bound) => bound / 1_000), counts: [...counts], sum: sumMs / 1_000 }
}
