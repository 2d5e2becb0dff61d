export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { sluice } = await import('./lib/sluice.js')
  sluice.setMode(process.env.SLUICE_MODE ?? 'observe')
}
