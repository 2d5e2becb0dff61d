import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../services/free-port.ts'

export interface Started {
  readonly port: number
  readonly pid: number
  readonly child: ChildProcess
  stop(): void
}

const TICKS_A_SECOND = 100

/** Whether a program is installed on this machine. */
export function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A separate core for the measured process, if there are two. */
function pin(pid: number, core: number): void {
  if (availableParallelism() < 2 || !has('taskset')) return
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' })
}

async function started(file: string, args: readonly string[], core: number): Promise<Started> {
  const child = fork(join(import.meta.dirname, file), [...args], { execArgv: process.execArgv })
  const { port } = await new Promise<{ readonly port: number }>((resolve, reject) => {
    child.once('message', resolve as (message: unknown) => void)
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}.`)))
  })
  const pid = child.pid ?? 0
  pin(pid, core)
  return { port, pid, child, stop: () => void child.kill('SIGKILL') }
}

export function startNode(port = 0): Promise<Started> {
  return started('node.ts', [String(port)], 0)
}

export function startProxy(kind: string, ports: readonly number[]): Promise<Started> {
  return started('proxy.ts', [kind, ...ports.map(String)], 1)
}

/** nginx with one worker, in front of nodes. */
export async function startNginx(ports: readonly number[]): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-nginx-'))
  const port = await freePort()
  const nodes = ports.map((node) => `server 127.0.0.1:${node};`).join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log /dev/null;
    events { worker_connections 4096; }
    http {
      access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      keepalive_requests 1000000;
      upstream nodes { ${nodes} keepalive 200; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
      }
    }`,
  )
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  await new Promise((resolve) => setTimeout(resolve, 500))
  const pid = child.pid ?? 0
  pin(pid, 1)
  return {
    port,
    pid,
    child,
    stop() {
      child.kill('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Seconds of CPU time that a process has used. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}
