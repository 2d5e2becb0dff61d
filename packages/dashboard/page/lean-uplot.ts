import type { Plugin } from 'vite'

interface Cut {
  readonly of: RegExp
  readonly to: string
  /** How often it is there. */
  readonly times: number
}

/** What the page does not draw with, and a bundler cannot leave out by itself: steps, bars, splines, joined tables, legends, logarithmic scales. */
const cuts: readonly Cut[] = [
  {
    of: /^\s*\(?(?:paths\.(?:stepped|bars|spline)\s*=|uPlot\.(?:join|addGap|clipGaps|tzDate|fmtDate|rangeLog|rangeAsinh|orient)\s*=).*$/gm,
    to: '',
    times: 11,
  },
  { of: /const showLegend = legend\.show;/g, to: 'const showLegend = false;', times: 1 },
  { of: /\b(?:sc|scale|wsc)\.distr == +(?:3|4|100)\b/g, to: 'false', times: 13 },
]

/** Leaves out half of what uPlot can do, and fails where it is not as it was: an update is to be looked at. */
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
          if (found !== times) throw new Error(`uPlot is not as it was: ${of} is there ${found} times instead of ${times}.`)
        }
        return { code: lean, map: null }
      },
    },
  }
}
