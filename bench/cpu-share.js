import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where Linux has its control groups for CPU time: version 2, version 1. */
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu'];

/** Short, so that a process which has used up its share goes on soon. */
const PERIOD_US = 10_000;

/**
 * Gives a process so much of a core and no more (CFS bandwidth control), so that several of them can be measured where there
 * is no core for each. Needs Linux, and the right to make control groups: root, as a rule.
 */
export class CpuShare {
  /** `undefined` where this cannot be done. */
  static async of(pid) {
    for (const hierarchy of HIERARCHIES) {
      const directory = join(hierarchy, `nest-oidc-bench-${pid}`);
      try {
        await mkdir(directory);
      } catch {
        continue;
      }
      const share = new CpuShare(directory);
      if (share.isThere) {
        await share.write('cgroup.procs', String(pid));
        return share;
      }
      await share.remove();
    }
    return undefined;
  }

  constructor(directory) {
    this.directory = directory;
    this.hasVersion2 = existsSync(join(directory, 'cpu.max'));
  }

  get isThere() {
    return this.hasVersion2 || existsSync(join(this.directory, 'cpu.cfs_quota_us'));
  }

  /** @param cores a part of one, or `Infinity` */
  async limit(cores) {
    const quota = cores === Infinity ? undefined : Math.round(cores * PERIOD_US);
    if (this.hasVersion2) return this.write('cpu.max', `${quota ?? 'max'} ${PERIOD_US}`);
    await this.write('cpu.cfs_period_us', String(PERIOD_US));
    await this.write('cpu.cfs_quota_us', String(quota ?? -1));
  }

  /** When the process has ended. */
  remove() {
    return rmdir(this.directory);
  }

  write(file, text) {
    return writeFile(join(this.directory, file), text);
  }
}
