import type { Plugin } from 'vite'

/**
 * Compiles JSX to calls of `h`. They compress better than calls of the automatic runtime: 0.5 KB less for the
 * page.
 */
export function classicJsx(): Plugin {
  return {
    name: 'classic-jsx',
    enforce: 'pre',
    transform: {
      filter: { id: /\/page\/src\/.*\.tsx$/ },
      handler: (code) => ({ code: `import { Fragment, h } from 'preact';${code}`, map: null }),
    },
  }
}
