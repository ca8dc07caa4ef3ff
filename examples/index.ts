import type { Example } from './gallery.ts'

/** Every example by the name of its folder, loaded when it is asked for. */
export const examples: Readonly<Record<string, () => Promise<{ readonly default: Example }>>> = {
  compressm: () => import('./compressm/index.ts'),
  dynformer: () => import('./dynformer/index.ts'),
  'fa-inr': () => import('./fa-inr/index.ts'),
  gradmem: () => import('./gradmem/index.ts'),
  hemorrhage: () => import('./hemorrhage/index.ts'),
  'hsi-memformer': () => import('./hsi-memformer/index.ts'),
  'learning-in-memory': () => import('./learning-in-memory/index.ts'),
  memformer: () => import('./memformer/index.ts'),
  'memory-caching': () => import('./memory-caching/index.ts'),
  pdmu: () => import('./pdmu/index.ts'),
  rate: () => import('./rate/index.ts'),
  recom: () => import('./recom/index.ts'),
  'resistive-diffusion': () => import('./resistive-diffusion/index.ts'),
  tpsr: () => import('./tpsr/index.ts'),
}
