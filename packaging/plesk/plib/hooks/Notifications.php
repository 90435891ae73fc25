<?php

class Modules_Nsbridge_Notifications extends pm_Hook_Notifications
{
    public function getNotifications()
    {
        return [
            'held-panel' => new Modules_Nsbridge_Notification_HeldInPanel(),
            'held-mail' => new Modules_Nsbridge_Notification_HeldByMail(),
        ];
    }
}
