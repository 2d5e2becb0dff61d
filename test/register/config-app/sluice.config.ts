import { defineConfig } from 'sluice'

export default defineConfig({
  mode: 'shadow',
  register: { ignore: ['GET /teams/blue/authors'] },
})
