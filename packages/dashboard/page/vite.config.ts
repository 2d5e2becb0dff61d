import { join } from 'node:path'
import { defineConfig } from 'vite'
import { bundledLicenses } from './bundled-licenses.ts'
import { classicJsx } from './classic-jsx.ts'
import { leanUplot } from './lean-uplot.ts'
import { pageBudget } from './page-budget.ts'

const here = import.meta.dirname

export default defineConfig({
  root: here,
  // The page is served at a path of the app's choice: every address in it is relative.
  base: './',
  plugins: [classicJsx(), leanUplot(), bundledLicenses(), pageBudget()],
  build: {
    outDir: join(here, '../dist/page'),
    emptyOutDir: true,
    assetsDir: 'assets',
    // Nothing inline: the page's security policy refuses `data:` too.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } },
})
