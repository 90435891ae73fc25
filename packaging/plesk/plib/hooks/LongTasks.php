<?php

class Modules_Nsbridge_LongTasks extends pm_Hook_LongTasks
{
    public function getLongTasks()
    {
        return [new Modules_Nsbridge_Task_SyncAll()];
    }
}
