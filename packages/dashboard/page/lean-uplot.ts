import type { Plugin } from 'vite'

interface Cut {
  readonly of: RegExp
  readonly to: string
  /** Expected number of matches. */
  readonly times: number
}

/**
 * uPlot features that the page does not use and that a bundler cannot remove: steps, bars, splines, joined
 * tables, legends, logarithmic scales.
 */
const cuts: readonly Cut[] = [
  {
    of: /^\s*\(?(?:paths\.(?:stepped|bars|spline)\s*=|uPlot\.(?:join|addGap|clipGaps|tzDate|fmtDate|rangeLog|rangeAsinh|orient)\s*=).*$/gm,
    to: '',
    times: 11,
  },
  { of: /const showLegend = legend\.show;/g, to: 'const showLegend = false;', times: 1 },
  { of: /\b(?:sc|scale|wsc)\.distr == +(?:3|4|100)\b/g, to: 'false', times: 13 },
]

/**
 * Removes unused features from uPlot, about half of its code. Fails the build if the code of uPlot has
 * changed, so that updates are reviewed.
 */
export function leanUplot(): Plugin {
  return {
    name: 'lean-uplot',
    transform: {
      filter: { id: /uPlot\.esm\.js$/ },
      handler(code) {
        let lean = code
        for (const { of, to, times } of cuts) {
          let found = 0
          lean = lean.replaceAll(of, () => {
            found += 1
            return to
          })
          if (found !== times)
            throw new Error(
              `uPlot has changed: ${of} matches ${found} times, expected ${times}. Update the cuts in lean-uplot.ts.`,
            )
        }
        return { code: lean, map: null }
      },
    },
  }
}
