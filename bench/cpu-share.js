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
      const share = new CpuShare(join(hierarchy, `nest-oidc-bench-${pid}`));
      if (await share.takeIn(pid)) return share;
    }
    return undefined;
  }

  constructor(directory) {
    this.directory = directory;
  }

  /** `false` where there is no such hierarchy, it has no CPU time to give, or it is not ours to change. */
  async takeIn(pid) {
    try {
      await mkdir(this.directory);
    } catch {
      return false;
    }
    this.hasVersion2 = this.has('cpu.max');
    if ((this.hasVersion2 || this.has('cpu.cfs_quota_us')) && (await this.canHave(pid))) return true;
    await this.remove();
    return false;
  }

  canHave(pid) {
    return this.write('cgroup.procs', String(pid)).then(
      () => true,
      () => false,
    );
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

  has(file) {
    return existsSync(join(this.directory, file));
  }

  write(file, text) {
    return writeFile(join(this.directory, file), text);
  }
}
