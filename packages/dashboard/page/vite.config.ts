import { join } from 'node:path'
import { defineConfig } from 'vite'
import { bundledLicenses, classicJsx, pageBudget } from './vite-plugins.ts'

const here = import.meta.dirname

export default defineConfig({
  root: here,
  // The app chooses the path of the page, so all URLs in the page are relative.
  base: './',
  plugins: [classicJsx(), bundledLicenses(), pageBudget()],
  build: {
    outDir: join(here, '../dist/page'),
    emptyOutDir: true,
    assetsDir: 'assets',
    // Inline no assets: the content security policy of the page also rejects `data:`.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } },
})
