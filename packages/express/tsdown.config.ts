import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: { index: 'src/index.ts', proxy: 'src/proxy/index.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  fixedExtension: false,
  exports: { devExports: '@sluice/source' },
})
