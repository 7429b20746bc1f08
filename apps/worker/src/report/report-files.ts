import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';

/** The object store in which finished reports lie. */
export class ReportFiles extends Disk {
  constructor(directory: string) {
    super(new FSDriver({ location: directory, visibility: 'private' }));
  }
}
