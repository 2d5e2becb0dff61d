import type { Plugin } from 'vite'

/** Has JSX be calls of `h`, which compress better than those of the automatic runtime: half a kilobyte over the page. */
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
