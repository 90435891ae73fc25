<?php

/**
 * The worker, which the panel starts each minute, and what it reports.
 */
class Modules_Nsbridge_Worker
{
    private const SCRIPT = 'retry.php';

    /** Setting: what was reported last, so that each trouble is reported once. */
    private const REPORTED = 'reported';

    /** A setting has at most 5,000 characters; so many held jobs are reported in any case. */
    private const JOBS_MAX = 400;

    /**
     * Delivers what waits, and notifies the administrator of what a person must look at.
     */
    public static function work(): void
    {
        if (!Modules_Nsbridge_Configuration::exists()) {
            return;
        }
        Modules_Nsbridge_Program::run(['serve', '--once'], tmpfile());
        self::notify();
    }

    public static function schedule(): void
    {
        $scheduler = pm_Scheduler::getInstance();
        $scheduler->removeAllTasks();
        $task = new pm_Scheduler_Task();
        $task->setCmd(self::SCRIPT);
        $task->setSchedule(array_combine(['minute', 'hour', 'dom', 'month', 'dow'], pm_Scheduler::$EVERY_MIN));
        $scheduler->putTask($task);
    }

    private static function notify(): void
    {
        $jobs = Modules_Nsbridge_Program::look(['queue', 'list']);
        $held = array_filter($jobs, static function ($job) {
            return $job['state'] === 'held';
        });
        $ids = array_column($held, 'job');
        sort($ids);
        $troubles = array_slice($ids, 0, self::JOBS_MAX);
        if (Modules_Nsbridge_Slot::isLost()) {
            $troubles[] = 'slot';
        }
        $reported = explode(' ', (string) pm_Settings::get(self::REPORTED, ''));
        if (array_diff($troubles, $reported)) {
            foreach (['held-panel', 'held-mail'] as $notification) {
                (new pm_Notification())->send($notification, [], pm_Client::getAdmin());
            }
        }
        pm_Settings::set(self::REPORTED, implode(' ', $troubles));
    }
}
