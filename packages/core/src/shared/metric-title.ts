const ACRONYMS = /\b(cpu|gc)\b/g

/**
 * Display name of a metric: `responseTime` is `Response time`. Other names than in camel case are unchanged.
 * The dashboard's page has a copy, because it contains no code of this package.
 */
export function metricTitle(metric: string): string {
  if (!/^[a-z][A-Za-z]*$/.test(metric)) return metric
  const words = metric
    .replaceAll(/[A-Z]+/g, ' $&')
    .toLowerCase()
    .replaceAll(ACRONYMS, (word) => word.toUpperCase())
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}
